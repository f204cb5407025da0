"""Iterations: the steps by which a method minimizes its functional or solves its equations."""

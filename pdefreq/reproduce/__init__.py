"""Published numbers, by the recipes that they were made with."""

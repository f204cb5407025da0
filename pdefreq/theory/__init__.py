"""What theory predicts of each frequency. Tensors in and out; no solver is imported here."""

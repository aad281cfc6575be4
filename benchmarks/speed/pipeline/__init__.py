"""What `touchstone bench stream --engine kafka` is made of."""

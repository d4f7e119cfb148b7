"""The reading side over HTTP: parameters in, JSON out."""

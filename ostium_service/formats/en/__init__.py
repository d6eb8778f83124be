"""The service's only language."""

"""Figures of the service beside those of the SDK it could have been built on, measured in one run."""

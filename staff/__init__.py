"""What internal people see: pages over every app below, and the actions they may take through services."""

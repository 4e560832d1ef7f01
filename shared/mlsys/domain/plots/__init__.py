"""What is drawn of a study, as numbers."""

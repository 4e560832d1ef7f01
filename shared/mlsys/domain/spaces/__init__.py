"""Where a study searches: parameters, their ranges, what may be asked for, and drawing."""

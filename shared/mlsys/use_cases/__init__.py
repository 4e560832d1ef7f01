"""One file per thing the platform does, on ports and the domain alone."""

"""Three gradient-boosting libraries behind one small protocol."""

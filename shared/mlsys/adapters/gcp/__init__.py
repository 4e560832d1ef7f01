"""The ports on Google Cloud. Vendor exceptions end here."""

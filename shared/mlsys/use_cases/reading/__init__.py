"""Reading tables of any size: CSV, JSON Lines and Parquet, as blocks of rows."""

"""Reading tables of any size: CSV, JSON Lines and Parquet, as blocks of rows.

Begin at tables_in.py, which opens them, and at block_reading.py, which gives them types.
"""

"""What `run.py` does for an owner beside serving: accounts, exports, purges."""

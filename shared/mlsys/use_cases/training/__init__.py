"""What a study trains on, what one trial does, and what becomes of the winner."""

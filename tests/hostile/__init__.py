"""What a hostile store, model, document or person may try, and what comes of it."""

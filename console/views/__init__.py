"""What the screens show, as data: made from a snapshot and a time, without any screen."""

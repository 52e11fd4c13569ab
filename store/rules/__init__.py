"""Rules of the business: pure functions of records and a time. No I/O, no clock."""

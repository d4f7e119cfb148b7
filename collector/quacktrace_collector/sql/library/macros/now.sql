-- The engine's now() has a time zone, and it refuses to compare that with start_time.
create macro now() as transaction_timestamp()::timestamp

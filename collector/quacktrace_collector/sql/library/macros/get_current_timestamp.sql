-- What `current_timestamp` calls.
create macro get_current_timestamp() as transaction_timestamp()::timestamp

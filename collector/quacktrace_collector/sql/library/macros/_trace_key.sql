-- Dashes, upper case and a whole traceparent are accepted; the engine folds it to a constant, so files are pruned.
create macro _trace_key(id) as
    case
        when length(id) = 55 then lower(substr(id, 4, 32))
        else lower(replace(trim(id), '-', ''))
    end

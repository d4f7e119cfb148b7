delete from orders where tenant = ? and placed_at < (
    select placed_at from orders where tenant = ? order by placed_at desc limit 1 offset ?)

-- The same question again and again: N+1 queries
from n_plus_one(now() - interval 1 day, now(), least := 5)
limit 20

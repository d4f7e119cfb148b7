-- How many requests each service works on at once
from concurrency(now() - interval 1 hour, now(), interval 1 minute)

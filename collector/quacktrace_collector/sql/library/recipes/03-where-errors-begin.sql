-- Where errors begin, and how many
from error_groups(now() - interval 1 day, now())

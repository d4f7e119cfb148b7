-- What slow requests have in common
from compare(duration_ns > 500_000_000 and kind = 'SERVER', kind = 'SERVER')
where abs(z) > 3
limit 20

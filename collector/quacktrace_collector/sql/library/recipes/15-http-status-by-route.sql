-- HTTP status codes by route
pivot (select http_route, http_response_status_code // 100 || 'xx' as status from spans where http_route is not null)
on status using count(*) group by http_route

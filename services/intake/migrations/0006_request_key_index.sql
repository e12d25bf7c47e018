-- One report for a request, whichever release made it: a report from before request keys has
-- that of its request for its id, and so has one that a release from then makes meanwhile. By
-- itself, for declarations wait while the table is read.
create unique index report_request on report (coalesce(request_key, report_id));

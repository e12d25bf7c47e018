select
    least(
        (
            select min(posted_at) from case_message
            where case_id = $1 and audience = 'structure' and author_role <> 'declarant'
        ),
        (select min(asked_at) from information_request where case_id = $1)
    ) as first_contact,
    (select min(at) from case_entry where case_id = $1 and action = 'qualified') as qualified,
    (select max(at) from case_entry where case_id = $1 and action = 'resolved') as resolved,
    (select closed_at from case_file where case_id = $1) as closed

update case_file
set revision = $2,
    state = $3,
    changed_at = $4,
    confirmed = $5,
    major = $6,
    assignee = $7,
    visible_to = $8,
    lessons_learned = $9,
    closed_at = $10
where case_id = $1
    and revision < $2

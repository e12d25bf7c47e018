update case_file
set revision = $2,
    state = $3,
    changed_at = $4,
    confirmed = coalesce($5, confirmed),
    major = coalesce($6, major),
    assignee = $7,
    visible_to = $8,
    lessons_learned = $9,
    closed_at = $10,
    duplicate_of = $11,
    pilot = $12,
    parent_case_id = $13
where case_id = $1
    and revision < $2

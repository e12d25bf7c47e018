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
    parent_case_id = $13,
    care_recorded = $14,
    -- The impact on care that an agency recorded; what else was proposed is left alone.
    proposed = case
        when $14::text is not null and confirmed is null
            then jsonb_set(
                jsonb_set(proposed, '{impacts,care}', $15),
                '{severity,serious}',
                $16
            )
        else proposed
    end
where case_id = $1
    and revision < $2

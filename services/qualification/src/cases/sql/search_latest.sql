-- Of the latest cases, those that are looked for: what is frequent is found among them.
select latest.case_id as "case_id!"
from (
    select declared_at, case_id, words, tags
    from case_search
    where ($1::timestamptz is null or (declared_at, case_id) < ($1, $2::uuid))
        and ($3::timestamptz is null or declared_at >= $3)
        and ($4::timestamptz is null or declared_at < $4)
    order by declared_at desc, case_id desc
    limit $15
) as latest
where ($5::text[] is null or latest.tags @> $5)
    and latest.tags && $6
    and ($7::text[] is null or latest.tags && $7)
    and ($8::text[] is null or latest.tags && $8)
    and ($9::text[] is null or latest.tags && $9)
    and ($10::text[] is null or latest.tags && $10)
    and ($11::text[] is null or latest.tags && $11)
    and ($12::text is null or latest.words @@ plainto_tsquery('french', folded($12)))
    and (
        $13::timestamptz is null
        or exists (
            select from case_file
            where case_file.case_id = latest.case_id and case_file.answer_due_at <= $13
        )
        or exists (
            select from report_clock
            where report_clock.case_id = latest.case_id and report_clock.due_at <= $16
        )
    )
order by latest.declared_at desc, latest.case_id desc
limit $14

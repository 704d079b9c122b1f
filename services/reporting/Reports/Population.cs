namespace Rollcall.Reporting.Reports;

/// <summary>
/// Everybody a roster has ever had, each once, as believed at @seen: who they were and where they stood. Every report
/// starts from this one query, so that their numbers agree.
/// </summary>
internal static class Population
{
    public const string Sql = """
        select
          p.user_id, p.display_name, p.mail, p.department, p.kind, p.manager_id, d.audiences, d.verdict,
          p.state not in ('Removed', 'Purged') and coalesce(d.verdict in ('InScope', 'Paused'), false) as in_scope,
          coalesce(d.verdict = 'Paused', false) as paused,
          case
            when p.state in ('Removed', 'Purged') then 'Left'
            when d.verdict = 'Left' then 'Left'
            when p.staged then 'StagedForRemoval'
            else coalesce(d.verdict, 'NotDecided')
          end as standing,
          case
            when p.state in ('Removed', 'Purged') and d.verdict is distinct from 'Left' then 'Deleted from the directory'
            when p.staged and d.verdict is distinct from 'Left'
              then 'Missing from the directory; kept until the removal is approved'
            else coalesce(d.reason, 'In the roster; not decided yet')
          end as reason,
          case
            when p.state in ('Removed', 'Purged') and d.verdict is distinct from 'Left' then upper(p.state)
            when p.staged and d.verdict is distinct from 'Left' then 'STAGED_FOR_REMOVAL'
            else coalesce(d.reason_code, 'NOT_DECIDED')
          end as reason_code,
          case
            when p.state in ('Removed', 'Purged') then coalesce(p.state_at, p.valid_from)
            when p.staged or d.valid_from is null then p.valid_from
            else d.valid_from
          end as since
        from person_history p
        left join decision_history d
          on d.client_id = p.client_id and d.user_id = p.user_id and d.valid_from < @seen and d.valid_to >= @seen
        where p.client_id = @client and p.valid_from < @seen and p.valid_to >= @seen
        """;

    /// <summary>
    /// Assignments as believed at @seen, withdrawn ones left out. The newest of a person and course counts for
    /// completion: an old cycle's success does not hide that the new one is open.
    /// </summary>
    public const string Work = """
        select a.user_id, a.state, a.due_at,
          row_number() over (partition by a.user_id, a.course_id order by a.opened_at desc nulls last, a.assignment_id desc) = 1
            as newest
        from assignment_history a
        where a.client_id = @client and a.valid_from < @seen and a.valid_to >= @seen and a.state <> 'Withdrawn'
        """;

    /// <summary>The newest work of each person, counted.</summary>
    public const string WorkByPerson = $"""
        select user_id,
          count(*) filter (where newest and state in ('Open', 'Paused', 'Completed')) as assigned,
          count(*) filter (where newest and state = 'Completed') as completed,
          count(*) filter (where state = 'Open' and due_at < @at) as overdue
        from ({Work}) w
        group by user_id
        """;
}

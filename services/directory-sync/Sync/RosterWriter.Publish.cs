namespace Rollcall.DirectorySync.Sync;

/// <summary>Whom the round concerns besides those it changed: what others see of them is another now.</summary>
public sealed partial class RosterWriter
{
    /// <summary>Publishes what was touched as the next version. 0 if nothing was.</summary>
    public async Task<long> PublishAsync(RosterPublisher publisher, CancellationToken ct)
    {
        if (first)
        {
            await ExecuteAsync(FirstMails, ct);
        }
        else
        {
            await AnalyzeAsync("t_touched, t_mail, t_manager, t_new, t_edge_changed, t_group_changed", ct);
            await ExecuteAsync(Touch, ct);
        }

        await ExecuteAsync(DuplicateMails, ct);
        await TellAsync(ct);
        var version = preview
            ? 0
            : await publisher.PublishAsync(connection, lease, rosterVersion, now, everybody: first, ct);
        await RoundTables.LeaveAsync(connection, big: entries > BigRound, ct);
        return version;
    }

    private const string SkippedKinds =
        "(values (4, 'KIND_SHARED_MAILBOX'), (5, 'KIND_RESOURCE'), (6, 'KIND_SERVICE')) k (kind, code)";

    private const string FirstMails = """
        insert into t_mail select mail from directory_user where client_id = @client group by mail having count(*) > 1;
        """;

    /// <summary>Users whose own entry did not change, but what others see of them: managers, reports, members of groups that come or go.</summary>
    private const string Touch = """
        insert into t_touched
        select u.user_id from directory_user u
        where u.client_id = @client and u.object_id in (select object_id from t_manager)
        on conflict do nothing;

        insert into t_touched
        select u.user_id from directory_user u
        where u.client_id = @client and u.manager_object_id in (select object_id from t_new)
        on conflict do nothing;

        insert into t_touched
        select u.user_id from t_edge_changed e
        join directory_user u on u.client_id = @client and u.object_id = e.member_object_id
        where e.member_type = 1
        on conflict do nothing;

        with recursive below (object_id) as (
          select member_object_id from t_edge_changed where member_type = 2
          union
          select object_id from t_group_changed where comes_or_goes
          union
          select m.member_object_id from membership m
          join below b on m.client_id = @client and m.group_object_id = b.object_id
          where m.member_type = 2)
        insert into t_touched
        select u.user_id from membership m
        join directory_user u on u.client_id = @client and u.object_id = m.member_object_id
        where m.client_id = @client and m.group_object_id = any (array(select object_id from below)) and m.member_type = 1
        on conflict do nothing;
        """;

    /// <summary>Of several living accounts with one address the first keeps it; the others are escrowed until that changes.</summary>
    private const string DuplicateMails = """
        with ranked as (
          select u.user_id, case when row_number() over (partition by u.mail order by u.first_seen_at, u.user_id) > 1
            then 'MAIL_DUPLICATE' else '' end as reason
          from directory_user u
          where u.client_id = @client and u.state in (1, 2) and u.mail <> '' and u.mail in (select mail from t_mail)),
        fixed as (
          update directory_user u set escrow_reason = r.reason, revision = @version
          from ranked r
          where u.client_id = @client and u.user_id = r.user_id and u.escrow_reason not in (r.reason, 'INVALID_DATA')
          returning u.user_id)
        insert into t_touched select user_id from fixed on conflict do nothing;
        """;
}

using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Trail;

/// <summary>Escrowed objects as people see them. Inside the caller's transaction.</summary>
public sealed class EscrowBook(DirectoryDbContext db)
{
    /// <returns>A page of the objects, and the last one's id if there are more.</returns>
    public async Task<(List<EscrowedObject> Objects, Guid? Last)> ListAsync(
        Guid clientId,
        string reason,
        Guid after,
        int size,
        CancellationToken ct
    )
    {
        var rows = await db
            .Escrows.AsNoTracking()
            .Where(e => e.ClientId == clientId && e.SubjectId > after && (reason == "" || e.Reason == reason))
            .OrderBy(e => e.SubjectId)
            .Take(size + 1)
            .ToListAsync(ct);
        if (reason is "" or EscrowRules.NestingLimit)
        {
            var known = rows.Select(r => r.SubjectId).ToList();
            var tangled = Tangled(db, clientId).Where(e => e.SubjectId > after && !known.Contains(e.SubjectId));
            rows.AddRange(await tangled.OrderBy(e => e.SubjectId).Take(size + 1).ToListAsync(ct));
            rows = [.. rows.OrderBy(r => r.SubjectId)];
        }

        var page = rows.Take(size).ToList();
        var ids = page.Select(e => e.SubjectId).ToList();
        var users = await db
            .Users.AsNoTracking()
            .Where(u => u.ClientId == clientId && ids.Contains(u.UserId))
            .ToDictionaryAsync(u => u.UserId, ct);
        var groups = await db
            .Groups.AsNoTracking()
            .Where(g => g.ClientId == clientId && ids.Contains(g.GroupId))
            .ToDictionaryAsync(g => g.GroupId, g => g.DisplayName, ct);
        var holders = await HoldersAsync(clientId, users.Values, ct);
        return (
            [.. page.Select(e => ToProto(e, users.GetValueOrDefault(e.SubjectId), groups, holders))],
            rows.Count > size ? page[^1].SubjectId : null
        );
    }

    /// <summary>Groups whose nesting in others is not followed. Looked at again whenever nestings change, so without a time.</summary>
    public static IQueryable<EscrowRow> Tangled(DirectoryDbContext db, Guid clientId) =>
        from held in db.Memberships.Where(m => m.ClientId == clientId && m.HeldAt != null)
        join member in db.Groups.Where(g => g.ClientId == clientId && !g.Removed)
            on held.MemberObjectId equals member.ObjectId
        join above in db.Groups.Where(g => g.ClientId == clientId && !g.Removed)
            on held.GroupObjectId equals above.ObjectId
        group held by new
        {
            member.MspId,
            member.GroupId,
            member.ObjectId,
        } into nested
        select new EscrowRow
        {
            MspId = nested.Key.MspId,
            ClientId = clientId,
            SubjectId = nested.Key.GroupId,
            IsGroup = true,
            ObjectId = nested.Key.ObjectId,
            Source = Source.Microsoft365,
            Reason = EscrowRules.NestingLimit,
            FirstSeenAt = nested.Min(m => m.HeldAt)!.Value,
            NextRetryAt = DateTimeOffset.MinValue,
        };

    /// <summary>Who has the addresses that others want too.</summary>
    private async Task<Dictionary<string, string>> HoldersAsync(
        Guid clientId,
        IEnumerable<DirectoryUser> users,
        CancellationToken ct
    )
    {
        var mails = users.Where(u => u.EscrowReason == EscrowRules.MailDuplicate).Select(u => u.Mail).ToList();
        var holders = await db
            .Users.AsNoTracking()
            .Where(u => u.ClientId == clientId && mails.Contains(u.Mail))
            .Where(u => u.State == UserState.Active || u.State == UserState.Disabled)
            .Where(u => u.EscrowReason != EscrowRules.MailDuplicate)
            .Select(u => new { u.Mail, u.DisplayName })
            .ToListAsync(ct);
        return holders
            .DistinctBy(h => h.Mail, StringComparer.Ordinal)
            .ToDictionary(h => h.Mail, h => h.DisplayName, StringComparer.Ordinal);
    }

    private static EscrowedObject ToProto(
        EscrowRow row,
        DirectoryUser? user,
        Dictionary<Guid, string> groups,
        Dictionary<string, string> holders
    )
    {
        var mail = user?.Mail ?? "";
        var (problem, owner, remedy) = EscrowRules.Explain(
            row.Reason,
            row.Source,
            mail,
            holders.GetValueOrDefault(mail, ""),
            user is null ? [] : PropertySet.FromJson(user.Properties).Invalid
        );
        return new()
        {
            UserId = row.IsGroup ? "" : row.SubjectId.ToString(),
            GroupId = row.IsGroup ? row.SubjectId.ToString() : "",
            ExternalId = user?.ExternalId ?? row.ObjectId.ToString(),
            DisplayName = user?.DisplayName ?? groups.GetValueOrDefault(row.SubjectId, ""),
            ReasonCode = row.Reason,
            Problem = problem,
            Owner = owner,
            Remedy = remedy,
            FirstSeenTime = row.FirstSeenAt.ToTimestamp(),
            NextRetryTime = row is { Source: Source.Microsoft365, Reason: not EscrowRules.NestingLimit }
                ? row.NextRetryAt.ToTimestamp()
                : null,
            Retry = EscrowRules.Retry(row.Reason, row.Source, row.NextRetryAt),
            Attempts = row.Attempts,
        };
    }
}

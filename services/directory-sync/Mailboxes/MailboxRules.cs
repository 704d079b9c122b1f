using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Mailboxes;

/// <summary>What an answer about one mailbox means. Purpose null: nothing was learned.</summary>
public sealed record MailboxReading(Guid UserId, string? Purpose, TimeSpan ReadAgainIn);

/// <summary>Decides what is learned from an answer and when the mailbox is asked again. No I/O.</summary>
public static class MailboxRules
{
    /// <summary>In the token's roles only where the client's administrator granted it.</summary>
    public const string Permission = "MailboxSettings.Read";
    public const string None = "none";

    private static readonly TimeSpan Rarely = TimeSpan.FromDays(30);
    private static readonly TimeSpan Weekly = TimeSpan.FromDays(7);
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(15);

    /// <summary>
    /// 404: no mailbox, or none in Exchange Online. 403: the client keeps us out of this one. Everything else may pass.
    /// </summary>
    public static MailboxReading Read(Guid userId, BatchAnswer answer) =>
        answer.Status switch
        {
            200 => new(userId, PurposeOf(answer), Rarely),
            403 or 404 => new(userId, None, Weekly),
            _ => new(userId, Purpose: null, answer.RetryAfter is { } wait && wait > Soon ? wait : Soon),
        };

    private static string PurposeOf(BatchAnswer answer) =>
        answer.Body.TryGetProperty("value", out var value) && value.GetString() is { Length: > 0 } purpose
            ? purpose.ToLowerInvariant()
            : None;
}

namespace Rollcall.ScopeRules.Data;

public static class ExceptionQueries
{
    /// <summary>Neither ended nor expired.</summary>
    public static IQueryable<ExceptionRow> InForce(
        this IQueryable<ExceptionRow> exceptions,
        Guid clientId,
        DateTimeOffset now
    ) =>
        exceptions.Where(e =>
            e.ClientId == clientId && e.EndedAt == null && (e.ExpiresAt == null || e.ExpiresAt > now)
        );
}

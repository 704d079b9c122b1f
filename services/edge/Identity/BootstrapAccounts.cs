using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;

namespace Rollcall.Edge;

/// <summary>
/// Creates and updates the accounts of the file Edge:Clients before edge takes its first call: the platform's own
/// services and its first admin. A disabled account stays disabled, whatever the file says.
/// </summary>
public sealed partial class BootstrapAccounts(
    IServiceScopeFactory scopes,
    IConfiguration configuration,
    ILogger<BootstrapAccounts> logger
) : IHostedService
{
    private const long Lock = 0x65646765;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration["Edge:Clients"] is not { Length: > 0 } file)
        {
            return;
        }

        await using var stream = File.OpenRead(file);
        var entries = await JsonSerializer.DeserializeAsync<List<Entry>>(stream, Json, cancellationToken) ?? [];
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<TokenDbContext>();
        var accounts = scope.ServiceProvider.GetRequiredService<Accounts>();

        // Several instances may start at once.
        await using var transaction = await db.BeginAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock({Lock})", cancellationToken);
        foreach (var entry in entries)
        {
            await UpsertAsync(entry, db, accounts, cancellationToken);
        }

        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        LogRead(entries.Count);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task UpsertAsync(Entry entry, TokenDbContext db, Accounts accounts, CancellationToken ct)
    {
        entry.Check();
        var account = await db.Accounts.SingleOrDefaultAsync(a => a.ClientId == entry.ClientId, ct);
        if (account is null)
        {
            account = await accounts.NewAsync(entry.ClientId, entry.ClientSecret, entry.Kind, requestId: null, ct);
            db.Accounts.Add(account);
        }
        else if (!await accounts.ValidateClientSecretAsync(account, entry.ClientSecret, ct))
        {
            account.ClientSecret = await accounts.HashAsync(entry.ClientSecret, ct);
        }

        account.DisplayName = entry.ClientId;
        account.Role = entry.Kind;
        account.MspId = entry.MspId;
        account.VisibleClientIds = entry.VisibleClientIds();
        account.Scopes = [.. entry.Scopes ?? []];
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} accounts of the bootstrap file are in place")]
    private partial void LogRead(int count);

    private sealed record Entry
    {
        public required string ClientId { get; init; }
        public required string ClientSecret { get; init; }
        public required string Kind { get; init; }
        public Guid? MspId { get; init; }
        public IReadOnlyList<string>? Clients { get; init; }
        public IReadOnlyList<string>? Scopes { get; init; }

        public void Check()
        {
            var problem =
                !Roles.IsKnown(Kind) ? $"kind {Kind} is unknown"
                : Roles.IsOfMsp(Kind) != MspId.HasValue ? "msp_id is for callers of one MSP, and required for them"
                : Roles.IsOfMsp(Kind) && Kind != Roles.MspAdmin && Clients is null ? "clients is required (\"*\" = all)"
                : null;
            if (problem is not null)
            {
                throw new InvalidOperationException($"Edge:Clients, {ClientId}: {problem}");
            }
        }

        /// <summary>Null means all.</summary>
        public List<Guid>? VisibleClientIds() => Clients is null or ["*"] ? null : [.. Clients.Select(Guid.Parse)];
    }
}

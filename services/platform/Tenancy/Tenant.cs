namespace Rollcall.Platform;

/// <summary>Whose rows a unit of work may touch: one MSP, and of its clients the listed ones or (null) all.</summary>
public sealed record Tenant(Guid MspId, IReadOnlyList<Guid>? ClientIds)
{
    public static Tenant Client(Guid mspId, Guid clientId) => new(mspId, [clientId]);

    public static Tenant WholeMsp(Guid mspId) => new(mspId, ClientIds: null);

    public bool Sees(Guid clientId) => ClientIds is null || ClientIds.Contains(clientId);

    /// <summary>The value of the rollcall.clients setting that the row policies read.</summary>
    public string ClientsSetting => ClientIds is null ? "*" : string.Join(',', ClientIds);
}

/// <summary>The tenant of the current call, message or job. Set once; whoever works for another tenant opens another DI scope.</summary>
public sealed class TenantContext
{
    public Tenant? Current { get; private set; }

    public Tenant Required => Current ?? throw new InvalidOperationException("No tenant was set for this unit of work");

    /// <summary>The MSP of the unit of work.</summary>
    public Guid MspId => Required.MspId;

    public void Enter(Tenant tenant)
    {
        if (Current is not null && Current != tenant)
        {
            throw new InvalidOperationException("A unit of work cannot change its tenant; open another scope");
        }

        Current = tenant;
    }
}

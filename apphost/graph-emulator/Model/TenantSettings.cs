namespace Rollcall.GraphEmulator.Model;

/// <summary>What a delta entry holds besides the changed properties.</summary>
public enum PropertyMode
{
    /// <summary>Every selected property that was ever set.</summary>
    Full,

    /// <summary>The changed ones and a random half of the others.</summary>
    Sparse,

    /// <summary>Only the changed ones, as with Prefer: return=minimal.</summary>
    Minimal,
}

/// <summary>How one tenant behaves; every value can be patched while it runs.</summary>
public sealed record TenantSettings
{
    public int PageSize { get; init; } = 200;
    public int LinksPerPage { get; init; } = 500;
    public PropertyMode PropertyMode { get; init; }

    /// <summary>How long a change stays invisible to delta: a random time between the two.</summary>
    public double LagMinSeconds { get; init; }
    public double LagMaxSeconds { get; init; }

    /// <summary>Added to every Graph call.</summary>
    public int LatencyMs { get; init; }
    public double DeltaTokenDays { get; init; } = 7;
    public double PageTokenDays { get; init; } = 7;

    /// <summary>An expired delta token is answered 410 with Location instead of 400 syncStateNotFound.</summary>
    public bool ExpiredTokenIsGone { get; init; }

    /// <summary>Soft-deleted objects appear as @removed in initial rounds.</summary>
    public bool RemovedInInitial { get; init; }

    /// <summary>Security groups go to deletedItems first (newer behaviour) instead of straight to "deleted".</summary>
    public bool SecurityGroupSoftDelete { get; init; }

    /// <summary>Restoring a user reports its memberships again in groups/delta; the real service is assumed not to.</summary>
    public bool RestoreEmitsLinks { get; init; }
    public bool Throttling { get; init; } = true;

    /// <summary>Resource units per 10 s; null = by tenant size (3,500, 5,000, 8,000).</summary>
    public int? ResourceUnits { get; init; }

    /// <summary>Null = random 60 to 90 minutes.</summary>
    public int? AccessTokenSeconds { get; init; }

    /// <summary>A granted permission enters new tokens only after this time.</summary>
    public double PermissionDelaySeconds { get; init; }

    /// <summary>What sign-in answers once the service principal is gone: 700016 or 7000229.</summary>
    public int ServicePrincipalGoneCode { get; init; } = 700016;

    /// <summary>Every sign-in to this tenant fails with this AADSTS code.</summary>
    public int? SignInError { get; init; }

    /// <summary>Has Entra ID P1: signInActivity may be selected.</summary>
    public bool Premium { get; init; }

    /// <summary>Admin consent redirects back with another tenant's id.</summary>
    public Guid? ConsentRedirectTenant { get; init; }
    public NotificationSettings Notifications { get; init; } = new();
}

/// <summary>How change notifications of a tenant go wrong; rates from 0 to 1.</summary>
public sealed record NotificationSettings
{
    public double DelayMinSeconds { get; init; }
    public double DelayMaxSeconds { get; init; }
    public double LossRate { get; init; }
    public double DuplicateRate { get; init; }
    public double WrongClientStateRate { get; init; }
    public double WrongTenantRate { get; init; }
}

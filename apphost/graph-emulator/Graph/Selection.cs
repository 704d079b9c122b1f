using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>A parsed $select: the property mask and how the context address spells it.</summary>
public readonly record struct Selection(ulong Mask, string? Text)
{
    // Kept outside the directory store: a collection request for one of them fails.
    private static readonly HashSet<string> NotOnCollections = new(StringComparer.OrdinalIgnoreCase)
    {
        "aboutMe",
        "birthday",
        "hireDate",
        "interests",
        "mySite",
        "pastProjects",
        "preferredName",
        "responsibilities",
        "schools",
        "skills",
        "deviceEnrollmentLimit",
        "print",
        "cloudLicensing",
        "mailboxSettings",
    };

    public string Context => Text is null ? "" : $"({Text})";

    /// <summary>Parses $select of a collection, a single object or a delta round.</summary>
    public static Selection Of(GraphCall call, Schema schema, bool delta = false)
    {
        if (call.Option("$select") is not { Length: > 0 } text)
        {
            var members = delta && schema == Schema.Groups ? Schema.Navigation : 0;
            return new(schema.DefaultMask | members, null);
        }

        var mask = 0UL;
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            mask |= Bit(call, schema, name, delta);
        }

        return new(mask, text.Replace(" ", "", StringComparison.Ordinal));
    }

    private static ulong Bit(GraphCall call, Schema schema, string name, bool delta)
    {
        var place = schema.Place(name);
        if (place >= 0)
        {
            if (name.Equals("employeeLeaveDateTime", StringComparison.OrdinalIgnoreCase))
            {
                call.Require("User-LifeCycleInfo.Read.All");
            }

            return 1UL << place;
        }

        if (name.Equals("id", StringComparison.OrdinalIgnoreCase) || name is "owners")
        {
            return 0;
        }

        if (delta && name.Equals(schema.NavigationName, StringComparison.OrdinalIgnoreCase))
        {
            return Schema.Navigation;
        }

        if (name.Equals("signInActivity", StringComparison.OrdinalIgnoreCase) && !delta)
        {
            RequireSignInActivity(call);
            return 0;
        }

        throw NotOnCollections.Contains(name) || delta
            ? GraphException.NotImplemented()
            : GraphException.BadRequest(
                $"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{schema.Collection[..^1]}'."
            );
    }

    private static void RequireSignInActivity(GraphCall call)
    {
        call.Require("AuditLog.Read.All");
        if (!call.Tenant.Settings.Premium)
        {
            throw new GraphException(
                403,
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                "Neither tenant is B2C or tenant doesn't have premium license"
            );
        }
    }
}

using Grpc.Core;
using Rollcall.Api.Options.V1;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>Who may give what: nobody gives more than the own MSP.</summary>
public static class Grants
{
    /// <summary>The MSP the new operator belongs to.</summary>
    public static Guid MspFor(Caller caller, Guid? asked) =>
        caller.MspId switch
        {
            null => asked ?? throw AppException.Invalid("msp_id", "is required"),
            { } own when asked is null || asked == own => own,
            _ => throw new AppException(
                StatusCode.PermissionDenied,
                "MSP_NOT_ALLOWED",
                "Operators are created in one's own MSP only"
            ),
        };

    public static void CheckRole(Caller caller, Role role)
    {
        if (role == Role.Unspecified || !Enum.IsDefined(role))
        {
            throw AppException.Invalid("role", "is required");
        }

        var allowed = caller.Role switch
        {
            Role.PlatformAdmin => role == Role.MspAdmin,
            Role.MspAdmin => role != Role.PlatformAdmin,
            _ => false,
        };
        if (!allowed)
        {
            throw new AppException(
                StatusCode.PermissionDenied,
                "ROLE_NOT_GRANTABLE",
                $"The caller's role may not create {role}"
            );
        }
    }

    /// <summary>True if the new caller sees every client of the MSP; false if it sees those listed.</summary>
    public static bool SeesAll(Role role, bool all, int listed, int limit)
    {
        if (role == Role.MspAdmin)
        {
            return listed == 0
                ? true
                : throw AppException.Invalid("client_ids", "must be empty: an MSP admin sees all");
        }

        return (all, listed) switch
        {
            (true, 0) => true,
            (true, _) => throw AppException.Invalid("client_ids", "must be empty with all_clients"),
            (false, 0) => throw AppException.Invalid("client_ids", "is required, or all_clients"),
            (false, _) when listed > limit => throw AppException.Invalid(
                "client_ids",
                $"must not be more than {limit}"
            ),
            (false, _) => false,
        };
    }

    public static List<string> Scopes(IReadOnlyCollection<string> asked)
    {
        if (asked.Count == 0)
        {
            throw AppException.Invalid("scopes", "is required");
        }

        if (asked.FirstOrDefault(s => !PublicApi.Scopes.Contains(s, StringComparer.Ordinal)) is { } unknown)
        {
            throw AppException.Invalid("scopes", $"has the unknown {unknown}");
        }

        return [.. asked.Distinct(StringComparer.Ordinal)];
    }
}

using System.Text.RegularExpressions;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>users/delta and groups/delta: turns the request into a place in a round and answers the page there.</summary>
public static partial class DeltaQuery
{
    private const int MaxFilterIds = 50;

    public static GraphAnswer Answer(GraphCall call, Schema schema)
    {
        if (schema == Schema.Users)
        {
            call.Require("User.Read.All", "Directory.Read.All");
        }
        else
        {
            call.Require("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All");
        }

        var log = call.Tenant.LogOf(schema);
        if (call.Option("$skiptoken") is { } page)
        {
            return DeltaPage.Answer(call, Resume(call, schema, page));
        }

        return call.Option("$deltatoken") switch
        {
            null or "" => DeltaPage.Answer(call, First(call, schema)),
            "latest" => DeltaPage.Empty(call, First(call, schema) with { End = log.End }),
            var text => Next(call, schema, text),
        };
    }

    private static DeltaToken First(GraphCall call, Schema schema)
    {
        foreach (var option in new[] { "$expand", "$orderby", "$search", "$count", "$skip" })
        {
            if (call.Option(option) is not null)
            {
                throw new GraphException(
                    400,
                    "Request_UnsupportedQuery",
                    $"{option} is not supported on delta queries."
                );
            }
        }

        var selection = Selection.Of(call, schema, delta: true);
        var log = call.Tenant.LogOf(schema);
        return new()
        {
            TenantId = call.Tenant.Id,
            Generation = call.Tenant.Generation,
            Groups = schema == Schema.Groups,
            Page = true,
            Initial = true,
            Mask = selection.Mask,
            Select = selection.Text,
            Ids = Filter(call),
            Position = log.End,
            End = log.End,
            At = 0,
            IssuedAt = call.Tenant.Now,
        };
    }

    private static DeltaToken Resume(GraphCall call, Schema schema, string text)
    {
        var token = DeltaToken.Decode(text);
        if (token is not { Page: true } found || found.TenantId != call.Tenant.Id || found.Schema != schema)
        {
            throw GraphException.BadToken();
        }

        var old = call.Tenant.Now - found.IssuedAt > TimeSpan.FromDays(call.Tenant.Settings.PageTokenDays);
        return old || Lost(call, found)
            ? throw new GraphException(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
            : found;
    }

    private static GraphAnswer Next(GraphCall call, Schema schema, string text)
    {
        var token = DeltaToken.Decode(text);
        if (token is not { Page: false } found || found.TenantId != call.Tenant.Id)
        {
            throw GraphException.BadToken();
        }

        var (tenant, log) = (call.Tenant, call.Tenant.LogOf(schema));
        if (found.Schema != schema)
        {
            // As the real service: nothing notices that the link belongs to another stream.
            return DeltaPage.Empty(call, found with { Groups = !found.Groups, End = log.End, Select = null });
        }

        if (Lost(call, found) || call.Faults.Has(FaultKind.GoneWithLocation))
        {
            throw GraphException.Gone(ResetAddress(call, found));
        }

        var old = tenant.Now - found.IssuedAt > TimeSpan.FromDays(tenant.Settings.DeltaTokenDays);
        if (old || call.Faults.Has(FaultKind.ExpiredToken))
        {
            throw tenant.Settings.ExpiredTokenIsGone
                ? GraphException.Gone(ResetAddress(call, found))
                : GraphException.SyncStateNotFound();
        }

        var start = call.Faults.Has(FaultKind.Replay) ? Math.Max(log.Start, found.Position - 20) : found.Position;
        return DeltaPage.Answer(
            call,
            found with
            {
                Page = true,
                Initial = false,
                Position = start,
                At = start,
                End = log.End,
            }
        );
    }

    /// <summary>A token of another life of this tenant (restart), or of changes no longer kept.</summary>
    private static bool Lost(GraphCall call, DeltaToken token)
    {
        var log = call.Tenant.LogOf(token.Schema);
        return token.Generation != call.Tenant.Generation || token.Position < log.Start || token.End > log.End;
    }

    private static string ResetAddress(GraphCall call, DeltaToken token)
    {
        var select = token.Select is null ? "" : $"$select={token.Select}&";
        return $"{call.BaseUrl}/{token.Schema.Collection}/delta?{select}$deltatoken=";
    }

    private static Guid[]? Filter(GraphCall call)
    {
        if (call.Option("$filter") is not { Length: > 0 } filter)
        {
            return null;
        }

        var parts = IdEquals().Matches(filter);
        var rest = IdEquals().Replace(filter, "").Replace("or", "", StringComparison.OrdinalIgnoreCase).Trim();
        return parts.Count is > 0 and <= MaxFilterIds && rest.Length == 0
            ? [.. parts.Select(part => Guid.Parse(part.Groups["id"].ValueSpan))]
            : throw new GraphException(
                400,
                "Request_UnsupportedQuery",
                "Only up to 50 'id eq' terms joined by 'or' are supported."
            );
    }

    [GeneratedRegex("id eq '(?<id>[0-9a-fA-F-]{36})'", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex IdEquals();
}

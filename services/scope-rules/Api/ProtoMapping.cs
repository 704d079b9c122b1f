using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Scope.V1;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Policies;

namespace Rollcall.ScopeRules.Api;

/// <summary>Rows as the contract shows them.</summary>
public static class ProtoMapping
{
    public static Decision ToProto(this DecisionRow row) =>
        new()
        {
            UserId = row.UserId.ToString(),
            Revision = row.Revision,
            Verdict = row.Verdict,
            Audiences = { row.Audiences },
            Reason = row.Reason,
            ReasonCode = row.ReasonCode,
            RosterVersion = row.RosterVersion,
            PolicyVersion = row.PolicyVersion,
            ValidFromTime = row.ValidFrom.ToTimestamp(),
        };

    public static Policy ToProto(this PolicyVersion row, ClientScope? client) =>
        new()
        {
            ClientId = row.ClientId.ToString(),
            Version = row.Version,
            State = row.State,
            Audiences = { row.Audiences.Select(ToProto) },
            TemplateKey = row.TemplateKey ?? "",
            Etag = row.Etag(),
            CreateTime = row.CreatedAt.ToTimestamp(),
            CreatedBy = row.CreatedBy,
            PublishTime = row.PublishedAt?.ToTimestamp(),
            PublishedBy = row.PublishedBy ?? "",
            Evaluating = row.State == PolicyState.Published && client?.SweepAfter is not null,
        };

    public static string Etag(this PolicyVersion row) =>
        string.Create(CultureInfo.InvariantCulture, $"{row.Version}-{row.RowVersion}");

    public static Audience ToProto(this AudienceRule rule) =>
        new()
        {
            Key = rule.Key,
            DisplayName = rule.DisplayName,
            Kind = rule.Kind,
            Rule = rule.Rule,
        };

    public static PolicyTemplate ToProto(this Template template) =>
        new()
        {
            Key = template.Key,
            DisplayName = template.DisplayName,
            Description = template.Description,
            Audiences = { template.Audiences.Select(ToProto) },
        };

    public static ScopeException ToProto(this ExceptionRow row, IEnumerable<Guid> people, int lapsed) =>
        new()
        {
            Id = row.Id.ToString(),
            Kind = row.Kind,
            Audiences = { row.Audiences },
            Reason = row.Reason,
            RequestedBy = row.RequestedBy,
            ApprovedBy = row.ApprovedBy,
            CreatedBy = row.CreatedBy,
            CreateTime = row.CreatedAt.ToTimestamp(),
            ReviewTime = row.ReviewAt?.ToTimestamp(),
            ExpireTime = row.ExpiresAt?.ToTimestamp(),
            EndTime = row.EndedAt?.ToTimestamp(),
            EndedBy = row.EndedBy ?? "",
            GroupId = row.GroupId?.ToString() ?? "",
            UserIds = { people.Select(id => id.ToString()) },
            People = row.People,
            LapsedPeople = lapsed,
        };
}

using System.Text.RegularExpressions;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Decisions;
using Rollcall.ScopeRules.Rules;

namespace Rollcall.ScopeRules.Api;

/// <summary>Decisions, now and at any past time, and why.</summary>
public sealed class ScopeApi(ScopeDbContext db, Evaluations evaluations) : ScopeService.ScopeServiceBase
{
    public override async Task<ListDecisionsResponse> ListDecisions(
        ListDecisionsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        await using var transaction = await db.BeginAsync(ct);
        var query = AsOf(clientId, request.AsOfTime).Where(d => d.UserId > after);
        if (request.Verdict != Verdict.Unspecified)
        {
            query = query.Where(d => d.Verdict == request.Verdict);
        }

        if (request.Audience.Length > 0)
        {
            query = query.Where(d => d.Audiences.Contains(request.Audience));
        }

        var rows = await query.OrderBy(d => d.UserId).Take(size + 1).ToListAsync(ct);
        return new()
        {
            Decisions = { rows.Take(size).Select(d => d.ToProto()) },
            NextPageToken = rows.Count > size ? PageToken.Write(rows[size - 1].UserId.ToString(), request) : "",
        };
    }

    public override async Task<GetDecisionResponse> GetDecision(GetDecisionRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.Id(request.UserId, "user_id");

        await using var transaction = await db.BeginAsync(ct);
        var row = await AsOf(clientId, request.AsOfTime).SingleOrDefaultAsync(d => d.UserId == userId, ct);
        return new() { Decision = row?.ToProto() ?? throw AppException.NotFound("decision", userId) };
    }

    public override async Task<ExplainUserResponse> ExplainUser(ExplainUserRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.Id(request.UserId, "user_id");

        await using var transaction = await db.BeginAsync(ct);
        var user = await db.RosterUserAsync(clientId, userId, ct) ?? throw AppException.NotFound("user", userId);
        var client = await db.Clients.AsNoTracking().SingleAsync(c => c.ClientId == clientId, ct);
        var evaluation =
            await evaluations.OpenPublishedAsync(client, ct)
            ?? throw AppException.Precondition("POLICY_NOT_PUBLISHED", "The client has no published policy yet");
        var current = await AsOf(clientId, time: null).SingleOrDefaultAsync(d => d.UserId == userId, ct);
        var (outcome, trail) = await evaluation.ExplainAsync(user, ct);

        var subject = evaluation.Subject(user);
        return new()
        {
            Decision = current?.ToProto(),
            Steps = { trail },
            Audiences = { evaluation.Policy.Audiences.Select(a => Match(a, subject)) },
            PolicyVersion = evaluation.Policy.Version,
            RosterVersion = await db.RosterVersionAsync(clientId, ct),
            NextEvaluationTime = outcome.NextEvaluationAt?.ToTimestamp(),
        };
    }

    /// <summary>The current decisions, or what was known then.</summary>
    private IQueryable<DecisionRow> AsOf(Guid clientId, Timestamp? time)
    {
        var decisions = db.Decisions.AsNoTracking().Where(d => d.ClientId == clientId);
        if (time is null)
        {
            return decisions.Where(d => d.ValidTo == null);
        }

        var then = Requests.Time(time, "as_of_time");
        return decisions.Where(d => d.RecordedAt <= then && (d.SupersededAt == null || d.SupersededAt > then));
    }

    private static AudienceMatch Match(PolicyAudience audience, RuleSubject subject)
    {
        var match = new AudienceMatch
        {
            Key = audience.Key,
            DisplayName = audience.DisplayName,
            Kind = audience.Kind,
            Rule = audience.Text,
        };
        try
        {
            match.Matched = audience.Rule.Matches(subject);
            match.Finding = audience.Rule.Find(subject);
        }
        catch (RegexMatchTimeoutException)
        {
            match.Finding = "the rule took too long on this entry";
        }

        return match;
    }
}

using Google.Protobuf;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Consumers;

/// <summary>Events as history rows: a fact holds from the time its event was observed.</summary>
internal static class EventMapping
{
    public static PersonHistory ToHistory(this User user, RosterChanged part) =>
        new()
        {
            MspId = Guid.Parse(part.MspId),
            ClientId = Guid.Parse(part.ClientId),
            UserId = Guid.Parse(user.Id),
            Revision = user.Revision,
            ValidFrom = part.OccurTime.ToDateTimeOffset(),
            ValidTo = DateTimeOffset.MaxValue,
            RosterVersion = part.RosterVersion,
            State = user.State,
            StateAt = user.StateTime?.ToDateTimeOffset(),
            Kind = user.Kind,
            DisplayName = user.DisplayName,
            Mail = user.Mail,
            Department = user.Department,
            ManagerId = user.ManagerId,
            Staged = user.StagedForRemoval,
            Body = user.ToByteArray(),
        };

    public static RosterHistory ToHistory(this RosterChanged part) =>
        new()
        {
            MspId = Guid.Parse(part.MspId),
            ClientId = Guid.Parse(part.ClientId),
            Version = part.RosterVersion,
            ValidFrom = part.OccurTime.ToDateTimeOffset(),
            OutsideImportCount = part.HasOutsideImportCount ? part.OutsideImportCount : null,
        };

    public static DecisionHistory ToHistory(this Decision decision, ScopeChanged message) =>
        new()
        {
            MspId = Guid.Parse(message.MspId),
            ClientId = Guid.Parse(message.ClientId),
            UserId = Guid.Parse(decision.UserId),
            Revision = decision.Revision,
            ValidFrom = message.OccurTime.ToDateTimeOffset(),
            ValidTo = DateTimeOffset.MaxValue,
            Verdict = decision.Verdict,
            Audiences = [.. decision.Audiences],
            Reason = decision.Reason,
            ReasonCode = decision.ReasonCode,
            RosterVersion = decision.RosterVersion,
            PolicyVersion = decision.PolicyVersion,
        };

    public static ScopeHistory ToHistory(this ScopeChanged message) =>
        new()
        {
            MspId = Guid.Parse(message.MspId),
            ClientId = Guid.Parse(message.ClientId),
            RosterVersion = message.RosterVersion,
            PolicyVersion = message.PolicyVersion,
            ValidFrom = message.OccurTime.ToDateTimeOffset(),
        };

    public static AssignmentHistory ToHistory(this Assignment assignment, AssignmentsChanged message) =>
        new()
        {
            MspId = Guid.Parse(message.MspId),
            ClientId = Guid.Parse(message.ClientId),
            AssignmentId = Guid.Parse(assignment.Id),
            Revision = assignment.Revision,
            ValidFrom = message.OccurTime.ToDateTimeOffset(),
            ValidTo = DateTimeOffset.MaxValue,
            UserId = Guid.Parse(assignment.UserId),
            CourseId = assignment.CourseId,
            CourseTitle = assignment.CourseTitle,
            Cycle = assignment.Cycle,
            State = assignment.State,
            Causes = [.. assignment.Causes],
            Reason = assignment.Reason,
            OpenedAt = assignment.OpenTime?.ToDateTimeOffset(),
            DueAt = assignment.DueTime?.ToDateTimeOffset(),
            CompletedAt = assignment.CompleteTime?.ToDateTimeOffset(),
            RosterVersion = assignment.RosterVersion,
        };

    public static ClientHistory ToHistory(this ClientChanged message) =>
        new()
        {
            MspId = Guid.Parse(message.MspId),
            ClientId = Guid.Parse(message.ClientId),
            Revision = message.Revision,
            ValidFrom = message.OccurTime.ToDateTimeOffset(),
            DisplayName = message.DisplayName,
            TimeZone = message.TimeZone,
            MspDisplayName = message.MspDisplayName,
        };
}

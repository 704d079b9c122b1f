using Google.Protobuf.Collections;
using Rollcall.Api.Directory.V1;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Connections;

/// <summary>An import scope as asked for, checked by itself: whether its groups exist, the directory knows. No I/O.</summary>
public sealed record ImportChoice(
    ImportedPeople People,
    List<Guid> PeopleGroups,
    ImportRule Rule,
    ImportedGroups Groups,
    List<Guid> GroupIds
)
{
    private const int MostPeopleGroups = 50;
    private const int MostGroups = 500;

    public static ImportChoice Read(ImportScope? scope)
    {
        if (scope is null)
        {
            throw AppException.Invalid("scope", "is required");
        }

        var people = scope.People == ImportedPeople.Unspecified ? ImportedPeople.All : scope.People;
        var groups = scope.Groups == ImportedGroups.Unspecified ? ImportedGroups.All : scope.Groups;
        if (!Enum.IsDefined(people) || !Enum.IsDefined(groups))
        {
            throw AppException.Invalid(Enum.IsDefined(people) ? "scope.groups" : "scope.people", "is not known");
        }

        return new(
            people,
            Ids(scope.PeopleGroupIds, people == ImportedPeople.Members, "scope.people_group_ids", MostPeopleGroups),
            ImportRule.Read(scope.Conditions, people == ImportedPeople.Matching),
            groups,
            Ids(scope.GroupIds, groups == ImportedGroups.Named, "scope.group_ids", MostGroups)
        );
    }

    private static List<Guid> Ids(RepeatedField<string> values, bool wanted, string field, int most)
    {
        List<Guid> ids = [.. values.Select((v, i) => Requests.Id(v, $"{field}[{i}]")).Distinct()];
        return (wanted, ids.Count) switch
        {
            (true, 0) => throw AppException.Invalid(field, "must name at least one group"),
            (false, > 0) => throw AppException.Invalid(field, "must be empty unless groups are named"),
            (_, var count) when count > most => throw AppException.Invalid(
                field,
                $"must not name more than {most} groups"
            ),
            _ => ids,
        };
    }
}

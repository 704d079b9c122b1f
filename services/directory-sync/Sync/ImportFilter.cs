using Npgsql;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Which part of a directory becomes the roster. Of the rest nothing is kept but object ids.</summary>
/// <param name="PeopleGroups">
/// Object ids of the groups whose members are imported; none where import_match says who is; null: everybody is.
/// </param>
/// <param name="Groups">Object ids of the imported groups; null: all are.</param>
public sealed record ImportFilter(Guid[]? PeopleGroups, Guid[]? Groups)
{
    public static readonly ImportFilter All = new(PeopleGroups: null, Groups: null);

    /// <summary>Object ids of the people the client imports.</summary>
    public const string Members = $"""
        {OfGroups}
        union select object_id from import_match where client_id = @client
        """;

    /// <summary>Object ids of the people in @peoplegroups, through nested groups (cycles end by themselves).</summary>
    public const string OfGroups = """
        with recursive below (object_id) as (
          select object_id from directory_group
          where client_id = @client and not removed and object_id = any (@peoplegroups)
          union
          select g.object_id from below b
          join membership m on m.client_id = @client and m.group_object_id = b.object_id and m.member_type = 2
          join directory_group g on g.client_id = @client and g.object_id = m.member_object_id and not g.removed)
        select distinct m.member_object_id as object_id
        from below b join membership m on m.client_id = @client and m.group_object_id = b.object_id and m.member_type = 1
        """;

    public static ImportFilter Of(
        ImportedPeople people,
        IEnumerable<Guid> peopleGroups,
        ImportedGroups groups,
        IEnumerable<Guid> named
    ) =>
        new(
            people switch
            {
                ImportedPeople.Members => [.. peopleGroups],
                ImportedPeople.Matching => [],
                ImportedPeople.All or ImportedPeople.Unspecified => null,
            },
            groups switch
            {
                ImportedGroups.None => [],
                ImportedGroups.Named => [.. named],
                ImportedGroups.All or ImportedGroups.Unspecified => null,
            }
        );

    public static async Task<ImportFilter> LoadAsync(NpgsqlConnection connection, Guid client, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select import_people, import_people_groups, import_groups, import_group_ids from connection where client_id = $1",
            connection
        );
        command.Parameters.Add(new() { Value = client });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? Of(
                (ImportedPeople)reader.GetInt32(0),
                (Guid[])reader[1],
                (ImportedGroups)reader.GetInt32(2),
                (Guid[])reader[3]
            )
            : All;
    }
}

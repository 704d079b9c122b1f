using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;

namespace Rollcall.ScopeRules.Tests;

/// <summary>Roster entries for tests.</summary>
public static class People
{
    public static User Person(Action<User>? change = null)
    {
        var id = Guid.CreateVersion7().ToString();
        var user = new User
        {
            Id = id,
            ExternalId = $"entra-{id}",
            Revision = 1,
            State = UserState.Active,
            Kind = AccountKind.Person,
            DisplayName = "Ada Nielsen",
            Mail = "ada@fabrikam.example",
            UserType = "Member",
        };
        change?.Invoke(user);
        return user;
    }

    public static Group Group(string name) =>
        new()
        {
            Id = Guid.CreateVersion7().ToString(),
            ExternalId = $"entra-group-{name}",
            Revision = 1,
            DisplayName = name,
        };

    public static Timestamp Day(int year, int month, int day) =>
        new DateTimeOffset(year, month, day, 0, 0, 0, TimeSpan.Zero).ToTimestamp();
}

using System.Globalization;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>Fills a tenant with any number of people, groups and links; the same seed gives the same tenant.</summary>
public sealed class Generator(Tenant tenant, int seed)
{
    private static readonly string[] Given =
        "Ada Bo Cai Dina Eli Finn Gita Hal Ines Jon Kai Lea Max Nia Omar Pia Quin Rae Sam Tess Uma Vic Wren Xia Yan Zoë".Split(
            ' '
        );
    private static readonly string[] Surnames =
        "Abbott Bauer Castro Diaz Evans Fox Grant Hughes Ito Jansen Kaur Lopez Meyer Ng Ortiz Park Reid Singh Torres Ueda Vega Wolf Young Zhou".Split(
            ' '
        );
    private static readonly string[] Departments =
    [
        "Finance",
        "Sales",
        "Operations",
        "IT",
        "Human Resources",
        "Marketing",
        "Legal",
        "Support",
        "Engineering",
        "Logistics",
    ];
    private static readonly string[] Titles =
    [
        "Manager",
        "Analyst",
        "Specialist",
        "Coordinator",
        "Engineer",
        "Assistant",
    ];
    private static readonly string[] Countries = ["United Kingdom", "Ireland", "Germany", "United States", "Australia"];

    private readonly Random random = new(seed);

    public void Fill(int users, int groups, int links)
    {
        for (var number = 0; number < users; number++)
        {
            AddUser(number);
        }

        for (var number = 0; number < groups; number++)
        {
            var display = $"{Pick(Departments)} {number}";
            var local = $"group{number}";
            var id = Accounts.IdOf(tenant.Id, local);
            tenant.CreateGroup(
                id,
                number % 4 == 3 ? Accounts.Unified(display, local, tenant.Domain) : Accounts.Security(display)
            );
        }

        if (groups > 0 && users > 0)
        {
            Link(users, groups, links);
        }
    }

    public User AddUser(int number)
    {
        var (given, surname) = (Pick(Given), Pick(Surnames));
        var local = $"{DemoTenant.Local(given)}.{surname.ToLowerInvariant()}{number}";
        var account = Accounts
            .Person($"{given} {surname} {number}", given, surname, local, tenant.Domain)
            .With(
                ("department", Pick(Departments)),
                ("jobTitle", Pick(Titles)),
                ("country", Pick(Countries)),
                ("companyName", tenant.Name),
                ("employeeType", number % 20 == 19 ? "Contractor" : "Employee")
            );
        account["employeeId"] = JsonText.Of((100_000 + number).ToString(CultureInfo.InvariantCulture));
        account["employeeHireDate"] = JsonText.Of(Day());
        account["createdDateTime"] = JsonText.Of(Day());
        if (number % 50 == 49)
        {
            account = Accounts.Guest(
                $"{given} {surname} {number}",
                $"{local}@guests.example",
                tenant.Domain,
                accepted: true
            );
        }

        var user = tenant.CreateUser(Accounts.IdOf(tenant.Id, local), account);
        tenant.SetManager(user, number < 10 ? null : tenant.Users[random.Next(Math.Max(1, number / 10))]);
        return user;
    }

    private void Link(int users, int groups, int links)
    {
        // Sizes fall off: the first group holds a tenth of all links, most hold a few. A quarter of the groups sit in another.
        var firstUser = tenant.Users.Count - users;
        var firstGroup = tenant.Groups.Count - groups;
        var possible = Math.Min(links, (long)users * groups / 2);
        var nested = 0;
        for (var added = 0; added < possible; )
        {
            var group = tenant.Groups[firstGroup + (int)(groups * Math.Pow(random.NextDouble(), 2))];
            DirectoryObject member =
                added % 25 == 24 && nested++ < groups / 4
                    ? tenant.Groups[firstGroup + random.Next(groups)]
                    : tenant.Users[firstUser + random.Next(users)];
            if (member != group && group.Find(member.Id)?.Live != true)
            {
                tenant.AddMember(group, member);
                added++;
            }
            else
            {
                possible--;
            }
        }
    }

    private DateTimeOffset Day() => new DateTimeOffset(2016, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(random.Next(3600));

    private string Pick(string[] from) => from[random.Next(from.Length)];
}

using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>A small professional practice: about thirty accounts, flat and a little neglected.</summary>
public static class Contoso
{
    public static readonly Guid Id = new("c0500000-0000-4000-8000-000000000002");

    private const string People = """
        Eleanor|Voss|Managing Partner|Partners||Dublin|Ireland
        Ciarán|Byrne|Partner|Partners|eleanor.voss|Dublin|Ireland
        Siobhán|Ní Dhomhnaill|Partner|Partners|eleanor.voss|Dublin|Ireland
        Peter|Novák|Finance Lead|Finance|eleanor.voss|Dublin|Ireland
        Anna|Kowalska|Bookkeeper|Finance|peter.novak|Dublin|Ireland
        Liam|Doyle|Practice Manager|Operations|eleanor.voss|Dublin|Ireland
        Orla|Keane|Receptionist|Operations|liam.doyle|Dublin|Ireland
        Bruno|Costa|Office Administrator|Operations|liam.doyle|Dublin|Ireland
        Niamh|Walsh|Senior Associate|Legal|ciaran.byrne|Dublin|Ireland
        Dmitri|Sokolov|Associate|Legal|niamh.walsh|Dublin|Ireland
        Hannah|Fischer|Associate|Legal|niamh.walsh|Cork|Ireland
        Yusuf|Demir|Associate|Legal|niamh.walsh|Cork|Ireland
        Claire|Dubois|Paralegal|Legal|niamh.walsh|Cork|Ireland
        Kofi|Mensah|Paralegal|Legal|niamh.walsh|Cork|Ireland
        Ingrid|Håkansson|Trainee|Legal|niamh.walsh|Cork|Ireland
        Rory|Gallagher|IT Officer|IT|liam.doyle|Dublin|Ireland
        Aoife|Murphy|Marketing Executive|Marketing|liam.doyle|Dublin|Ireland
        """;

    public static void Fill(Tenant tenant)
    {
        var demo = new DemoTenant(tenant);
        demo.People(People);
        var domain = tenant.Domain;
        demo.Add(
            "adm-rory.gallagher",
            Accounts.Person("Admin - Rory Gallagher", "Rory", "Gallagher", "adm-rory.gallagher", domain),
            purpose: null
        );
        demo.Add(
            "paul.quinn",
            Accounts
                .Person("Paul Quinn", "Paul", "Quinn", "paul.quinn", domain)
                .With(("employeeType", "Contractor"), ("department", "IT"))
        );
        demo.Add(
            "maeve.brady",
            Accounts
                .Person("Maeve Brady", "Maeve", "Brady", "maeve.brady", domain)
                .With(("accountEnabled", "false"), ("department", "Legal"), ("employeeType", "Employee"))
        );
        demo.Guest("External Counsel", "counsel@chambers.example");
        demo.Guest("Client Portal User", "portal@client.example", accepted: false);
        demo.Resource("Info", "info", "shared");
        demo.Resource("Billing", "billing", "shared", enabled: true);
        demo.Resource("Meeting Room 1", "room-1", "room");
        demo.Resource("Conference Phone", "equip-phone", "equipment");
        demo.Resource("svc-dms", "svc-dms", null, enabled: true);

        var starter = Accounts.Person("Future Starter", "Future", "Starter", "future.starter", domain);
        starter.Remove("mail");
        starter.Remove("proxyAddresses");
        starter["employeeHireDate"] = JsonText.Of(tenant.Now.AddDays(14));
        demo.Add("future.starter", starter.With(("employeeType", "Employee"), ("department", "Legal")), purpose: null);

        Groups(tenant, demo);
    }

    private static void Groups(Tenant tenant, DemoTenant demo)
    {
        var domain = tenant.Domain;
        tenant.Patch(
            demo["hannah.fischer"],
            "proxyAddresses",
            JsonText.OfList($"SMTP:hannah.fischer@{domain}", $"smtp:cork@{domain}")
        );
        tenant.Patch(
            demo["yusuf.demir"],
            "proxyAddresses",
            JsonText.OfList($"SMTP:yusuf.demir@{domain}", $"smtp:cork@{domain}")
        );

        var legal = demo.Group("legal", Accounts.Security("Legal"), demo.Department("Legal"));
        var partners = demo.Group("partners", Accounts.Security("Partners"), demo.Department("Partners"));
        var finance = demo.Group("finance", Accounts.Security("Finance"), demo.Department("Finance"));
        var everyone = demo.Group(
            "everyone",
            Accounts.Unified("Everyone", "everyone", domain),
            legal,
            partners,
            finance
        );
        demo.Group(
            "cork",
            Accounts.Dynamic("Cork Office", "(user.officeLocation -eq \"Cork\")"),
            tenant.Users.Where(user => user.Text("officeLocation") == "Cork")
        );
        tenant.AddMember(finance, everyone);
    }
}

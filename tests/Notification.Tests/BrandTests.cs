using CsCheck;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using MimeKit;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class BrandTests(NotificationFixture fixture)
{
    private static readonly string[] Attacks =
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{ Address }}",
        "{% for i in (1..99999999) %}x{% endfor %}",
        "${7*7}",
        "javascript:alert(1)",
        "x\r\nBcc: victim@attack.example",
        "x\nX-Evil: 1\n\n<b>body</b>",
        "x\0y",
        "\u2028line\u2029",
        "\u202Egnp.exe",
        "=?utf-8?q?x=0D=0ABcc:_victim@attack.example?=",
        "ok, victim@attack.example",
    ];

    private readonly Company company = new(fixture);

    private BrandService.BrandServiceClient Brands =>
        fixture.Client<BrandService.BrandServiceClient>(TestTokens.MspAdmin(company.Client.MspId));

    [Fact]
    public async Task Brand_Set_ShowsInMails()
    {
        await company.AnnounceAsync();
        await company.SettledAsync();
        Assert.Equal("Northwind IT", (await Brands.GetBrandAsync(new())).Brand.SenderName);
        var ada = Company.Person();
        await Brands.UpdateBrandAsync(
            new()
            {
                Brand = new()
                {
                    SenderName = "Northwind Sikkerhed æøå",
                    FromAddress = "training@northwind.example",
                    PrimaryColor = "#0a7d4f",
                    TrainingUrl = "https://learn.northwind.example/start",
                    LogoUrl = "https://northwind.example/logo.png",
                    Footer = "Northwind IT\nHavnegade 1",
                    SupportContact = "support@northwind.example",
                },
                UpdateMask = FieldMask.FromString(
                    "sender_name,from_address,primary_color,training_url,logo_url,footer,support_contact"
                ),
            }
        );
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada));
        await company.BecomesAsync(ada, DeliveryState.Sent);

        var mail = Assert.Single(fixture.Gate.MailTo(ada.Mail));

        var from = Assert.Single(mail.From.Mailboxes);
        Assert.Equal(("Northwind Sikkerhed æøå", "training@northwind.example"), (from.Name, from.Address));
        Assert.All(
            ["background:#0a7d4f", "https://learn.northwind.example/start", "logo.png", "Havnegade 1"],
            text => Assert.Contains(text, mail.HtmlBody, StringComparison.Ordinal)
        );
        Assert.Contains("Questions? support@northwind.example", mail.TextBody, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> BadValues =>
        new()
        {
            { "primary_color", "red;background:url(https://attack.example)" },
            { "primary_color", "#1f4e79\n" },
            { "text_color", "#fff" },
            { "logo_url", "http://northwind.example/logo.png" },
            { "logo_url", "javascript:alert(1)" },
            { "logo_url", "https://user:pass@northwind.example/logo.png" },
            { "training_url", "https://northwind.example/\"onmouseover=\"alert(1)" },
            { "training_url", "data:text/html,x" },
            { "from_address", "a@northwind.example, b@attack.example" },
            { "from_address", "Evil <a@northwind.example>" },
            { "from_address", "a@northwind.example\r\nBcc: b@attack.example" },
            { "sender_name", "Northwind\r\nBcc: b@attack.example" },
            { "sender_name", "" },
            { "support_contact", "x\ny" },
            { "footer", "x\u202Ey" },
        };

    [Theory]
    [MemberData(nameof(BadValues))]
    public async Task UpdateBrand_UnsafeValue_NamesTheField(string field, string value)
    {
        var brand = new Brand();
        Brand.Descriptor.FindFieldByName(field).Accessor.SetValue(brand, value);

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await Brands.UpdateBrandAsync(new() { Brand = brand, UpdateMask = FieldMask.FromString(field) })
        );

        Assert.Equal($"brand.{field}", error.Field());
    }

    [Fact]
    public async Task UpdateBrand_StaleEtag_IsRefused()
    {
        var update = new UpdateBrandRequest
        {
            Brand = new() { SenderName = "Northwind", Etag = "0" },
            UpdateMask = FieldMask.FromString("sender_name"),
        };
        var brand = (await Brands.UpdateBrandAsync(update)).Brand;
        Assert.NotEqual("0", brand.Etag);

        var error = await Assert.ThrowsAsync<RpcException>(async () => await Brands.UpdateBrandAsync(update));

        Assert.Equal("ETAG_MISMATCH", error.Reason());
    }

    /// <summary>Whatever stands in a name or title: it is text in the mail, and never a header, markup or template.</summary>
    [Fact]
    public async Task Mail_HostileText_IsOnlyEverText()
    {
        var composer = new MailComposer(Options.Create(new MailOptions { Host = "localhost" }));
        var piece = Gen.OneOf(Gen.Int[0, Attacks.Length - 1].Select(i => Attacks[i]), Gen.String);
        await Gen.Select(piece, piece)
            .Array[5]
            .SampleAsync(
                async texts =>
                {
                    using var mail = composer.Compose(Hostile(texts.Select(t => t.Item1 + t.Item2)), SomeBrand());
                    using var wire = new MemoryStream();
                    await mail.WriteToAsync(wire);
                    wire.Position = 0;
                    using var read = await MimeMessage.LoadAsync(wire);

                    Assert.Equal("ada@fabrikam.example", Assert.Single(read.To.Mailboxes).Address);
                    Assert.Equal("training@rollcall.example", Assert.Single(read.From.Mailboxes).Address);
                    Assert.Equal(
                        ["Auto-Submitted", "Date", "From", "Message-Id", "MIME-Version", "Subject", "To"],
                        read.Headers.Select(h => h.Field).Order(StringComparer.OrdinalIgnoreCase)
                    );
                    Assert.DoesNotContain("<script", read.HtmlBody, StringComparison.OrdinalIgnoreCase);
                    Assert.DoesNotContain("<img src=x", read.HtmlBody, StringComparison.OrdinalIgnoreCase);
                    Assert.Equal(TagsOf(PlainHtml(composer)), TagsOf(read.HtmlBody!));
                },
                iter: 300
            );
    }

    [Fact]
    public void Mail_TemplateInATitle_IsShownAsItIs()
    {
        var composer = new MailComposer(Options.Create(new MailOptions { Host = "localhost" }));

        using var mail = composer.Compose(Hostile(Enumerable.Repeat("{{ Address }} {% raw %}", 5)), SomeBrand());

        Assert.Contains("{{ Address }} {% raw %}", mail.TextBody, StringComparison.Ordinal);
        Assert.Contains("{{ Address }} {% raw %}", mail.HtmlBody, StringComparison.Ordinal);
        Assert.DoesNotContain("ada@fabrikam.example", mail.HtmlBody, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ada@fabrikam.example", true)]
    [InlineData("o'neil+x@fabrikam.example", true)]
    [InlineData("", false)]
    [InlineData("ada", false)]
    [InlineData("ada@fabrikam.example, eve@attack.example", false)]
    [InlineData("Ada <ada@fabrikam.example>", false)]
    [InlineData("ada@fabrikam.example\r\nBcc: eve@attack.example", false)]
    [InlineData("ada@fabrikam.example\n", false)]
    public void Address_OnlyOnePlainAddress_IsUsable(string mail, bool usable) =>
        Assert.Equal(usable, Recipient.Address(mail) is not null);

    private static string PlainHtml(MailComposer composer)
    {
        using var mail = composer.Compose(Hostile(Enumerable.Repeat("x", 5)), SomeBrand());
        return mail.HtmlBody!;
    }

    /// <summary>The tags of a document, in order: what a browser would build from it.</summary>
    private static List<string> TagsOf(string html) => [.. html.Split('<').Skip(1).Select(t => t.Split(' ', '>')[0])];

    private static MspBrand SomeBrand() => new() { MspId = Guid.Empty, SenderName = "x" };

    private static MailContent Hostile(IEnumerable<string> texts)
    {
        // An empty text leaves its line out; the tags are compared with a mail that has them all.
        var text = texts.Select(t => PlainText.Line(t, 200) is { Length: > 0 } line ? line : "x").ToList();
        return new()
        {
            DeliveryId = Guid.CreateVersion7(),
            Address = "ada@fabrikam.example",
            PersonName = text[0],
            CompanyName = text[1],
            SenderName = text[2],
            IsReminder = false,
            Courses = [new(text[3], "1 March 2026", Overdue: false)],
            PrimaryColor = "#1f4e79",
            TextColor = "#ffffff",
            LogoUrl = "",
            TrainingUrl = "",
            FooterLines = [text[4]],
            SupportContact = text[4],
        };
    }
}

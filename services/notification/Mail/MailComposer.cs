using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Fluid;
using Microsoft.Extensions.Options;
using MimeKit;
using Rollcall.Notification.Data;

namespace Rollcall.Notification.Mail;

/// <summary>
/// Makes the message from the platform's own templates. Other people's text enters as values only, never as template
/// source, is encoded for where it lands, and reaches headers through MimeKit's encoding.
/// </summary>
public sealed class MailComposer
{
    private static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly MailOptions options;
    private readonly IFluidTemplate html = Template("mail.html.liquid");
    private readonly IFluidTemplate text = Template("mail.text.liquid");
    private readonly TemplateOptions fluid = new() { MaxSteps = 10_000, MaxRecursion = 10 };

    public MailComposer(IOptions<MailOptions> options)
    {
        this.options = options.Value;
        fluid.MemberAccessStrategy.Register<MailContent>();
        fluid.MemberAccessStrategy.Register<MailCourse>();
    }

    public async Task<MimeMessage> ComposeAsync(MailContent content, MspBrand brand)
    {
        var message = new MimeMessage { Subject = content.Heading, MessageId = MessageId(content.DeliveryId) };
        message.From.Add(new MailboxAddress(Encoding.UTF8, content.SenderName, FromAddress(brand)));
        message.To.Add(new MailboxAddress(Encoding.UTF8, content.PersonName, content.Address));

        // Out-of-office answers to a machine help nobody (RFC 3834).
        message.Headers.Add("Auto-Submitted", "auto-generated");
        message.Body = new BodyBuilder
        {
            TextBody = await text.RenderAsync(new TemplateContext(content, fluid), NullEncoder.Default),
            HtmlBody = await html.RenderAsync(new TemplateContext(content, fluid), Html),
        }.ToMessageBody();
        return message;
    }

    /// <summary>Made from the mail's id alone, so that every attempt carries the same one.</summary>
    public string MessageId(Guid deliveryId) => $"{deliveryId:N}@{options.From.Split('@')[1]}";

    private string FromAddress(MspBrand brand) => brand.FromAddress is { Length: > 0 } own ? own : options.From;

    private static IFluidTemplate Template(string name)
    {
        using var stream = typeof(MailComposer).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return new FluidParser().Parse(reader.ReadToEnd());
    }
}
